using System.Net;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Namespaces;

/// <summary>A bridge into one namespace whose target is in another one, connected by a veth pair.</summary>
/// <param name="Near">The bridge's namespace.</param>
/// <param name="Far">The server's namespace.</param>
/// <param name="FarLink">The pair's end in <paramref name="Far"/>.</param>
/// <param name="Daemon">The published daemon.</param>
/// <param name="Listen">Its listener on the host.</param>
internal sealed record VethScene(TestNamespace Near, TestNamespace Far, string FarLink, DaemonProcess Daemon, IPEndPoint Listen);
