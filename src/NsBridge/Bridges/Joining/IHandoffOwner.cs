using NsBridge.Linux.Interop;

namespace NsBridge.Bridges.Joining;

/// <summary>Who keeps a <see cref="HandoffLink"/>. Called on its loop.</summary>
internal interface IHandoffOwner
{
    /// <summary>The inner half takes descriptors.</summary>
    void OnReady(HandoffLink link);

    /// <summary>A connection that was handed to another process has ended there.</summary>
    void OnNotice(HandoffLink link, in HandoffNotice notice);

    /// <summary>The inner half takes nothing more over this link, of which it goes on to tell how those it has taken end.</summary>
    void OnRetired(HandoffLink link);

    /// <summary>The link is closed by the other side.</summary>
    /// <param name="link">The link.</param>
    /// <param name="error">How it ended; EPIPE for an end in good order.</param>
    /// <param name="refused">Whether the inner half had not said that it takes descriptors.</param>
    void OnLost(HandoffLink link, Errno error, bool refused);
}
