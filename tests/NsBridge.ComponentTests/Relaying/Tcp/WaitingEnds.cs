using NsBridge.Relaying.EventLoops;

namespace NsBridge.ComponentTests.Relaying.Tcp;

/// <summary>Holds the loop's slot of two descriptors before their relay begins, and notes what they showed so far, as a dial does.</summary>
internal sealed class WaitingEnds : EventSource
{
    private readonly uint[] _seen = new uint[2];

    /// <summary>The EPOLL… bits that end 0 or 1 has shown; any thread may ask.</summary>
    internal uint Seen(int end) => Volatile.Read(ref _seen[end]);

    protected internal override void OnEvents(uint events, int end) => Volatile.Write(ref _seen[end], _seen[end] | events);
}
