using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Datagrams;

/// <summary>What all flows of one loop use in turn: room for datagrams on their way. Made when the loop's first datagram listener is.</summary>
internal sealed class DatagramGear : IDisposable
{
    /// <summary>From clients; empty again before the loop does anything else.</summary>
    internal DatagramBatch FromClients { get; } = new();

    /// <summary>Towards one target.</summary>
    internal DatagramOutbox ToTarget { get; } = new();

    /// <summary>Answers of all targets, kept until the loop's turn is over.</summary>
    internal AnswerBatch Answers { get; } = new();

    public void Dispose()
    {
        FromClients.Dispose();
        ToTarget.Dispose();
        Answers.Dispose();
    }
}
