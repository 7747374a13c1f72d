using NsBridge.Linux.Interop;

namespace NsBridge.Relaying;

/// <summary>How a relay ended, and by which error where there was one.</summary>
public readonly record struct RelayOutcome(RelayEnding Ending, Errno Error = Errno.None);
