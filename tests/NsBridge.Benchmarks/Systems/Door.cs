using System.Net;

namespace NsBridge.Benchmarks.Systems;

/// <summary>Where the load connects to, and the addresses that it connects from in turn.</summary>
internal sealed record Door(IPEndPoint To, IReadOnlyList<IPAddress> From);
