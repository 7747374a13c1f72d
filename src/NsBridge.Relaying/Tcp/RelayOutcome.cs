using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Tcp;

/// <summary>How a relay ended, and by which error where there was one.</summary>
public readonly record struct RelayOutcome(EndReason Ending, Errno Error = Errno.None);
