using System.Net;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests;

/// <summary>The usual scene of a test: one namespace, one server in it, one daemon with one bridge to it.</summary>
/// <param name="Namespace">The server's namespace.</param>
/// <param name="Server">The target.</param>
/// <param name="Daemon">The published daemon.</param>
/// <param name="Listen">The bridge's listener on the host.</param>
/// <param name="Entry">The bridge's entry.</param>
internal sealed record Scene(TestNamespace Namespace, TargetServer Server, DaemonProcess Daemon, IPEndPoint Listen, BridgeEntry Entry)
{
    /// <summary>The bridge's UNIX socket.</summary>
    public string SocketPath => Entry.Socket ?? Daemon.SocketPath(Entry.Name);
}
