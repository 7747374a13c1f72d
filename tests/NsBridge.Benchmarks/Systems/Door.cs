using System.Net;

namespace NsBridge.Benchmarks.Systems;

/// <summary>The address that the load connects to, and those that it connects from in turn.</summary>
internal sealed record Door(IPEndPoint To, IReadOnlyList<IPAddress> From);
