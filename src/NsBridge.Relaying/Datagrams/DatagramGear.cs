using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Datagrams;

/// <summary>What all flows of one loop use in turn: room for datagrams on their way. Made when the loop's first datagram listener is.</summary>
internal sealed class DatagramGear : IDisposable
{
    /// <exception cref="InvalidOperationException">The kernel gives no memory.</exception>
    internal DatagramGear()
    {
        FromClients = new DatagramBatch();
        ToTarget = new DatagramOutbox();
        try
        {
            Answers = new AnswerBatch();
        }
        catch (InvalidOperationException)
        {
            // It is tried again and again: what there was memory for must not pile up.
            FromClients.Dispose();
            ToTarget.Dispose();
            throw;
        }
    }

    /// <summary>From clients; empty again before the loop does anything else.</summary>
    internal DatagramBatch FromClients { get; }

    /// <summary>Towards one target.</summary>
    internal DatagramOutbox ToTarget { get; }

    /// <summary>Answers of all targets, kept until the loop's turn is over.</summary>
    internal AnswerBatch Answers { get; }

    public void Dispose()
    {
        FromClients.Dispose();
        ToTarget.Dispose();
        Answers.Dispose();
    }
}
