namespace NsBridge.Relaying.EventLoops;

/// <summary>Where the kernel leaves what happened.</summary>
internal interface IEventQueue
{
    /// <summary>Waits at most <paramref name="milliseconds"/> (-1: for ever).</summary>
    /// <returns>How much there is, or a negated error.</returns>
    int Wait(int milliseconds);
}
