using System.Net.Sockets;
using NsBridge.Relaying.Halves;

namespace NsBridge.ComponentTests.Relaying.Tcp;

/// <summary>One relayed connection as its two programs see it.</summary>
/// <param name="Client">The client's own socket.</param>
/// <param name="Target">The target's own socket.</param>
/// <param name="Ended">How the relay ended.</param>
internal sealed record Conversation(Socket Client, Socket Target, Task<RelayOutcome> Ended) : IDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(20);

    /// <summary>How the relay ended; it has to within 20 s.</summary>
    internal Task<RelayOutcome> EndAsync() => Ended.WaitAsync(s_deadline);

    /// <summary>Closes both programs' sockets in good order and waits for the relay's end.</summary>
    internal async Task CloseAsync()
    {
        Client.Shutdown(SocketShutdown.Send);
        Target.Shutdown(SocketShutdown.Send);
        Assert.That((await EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
    }

    public void Dispose()
    {
        Client.Dispose();
        Target.Dispose();
    }
}
