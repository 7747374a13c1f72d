namespace NsBridge.HotRestart;

/// <summary>A parcel that cannot be taken up; says why.</summary>
internal sealed class SnapshotException(string message) : Exception(message);
