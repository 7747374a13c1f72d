namespace NsBridge.HotRestart;

/// <summary>A listening socket on its way from one process to the next. Where it listens the socket itself knows.</summary>
/// <param name="Descriptor">The socket.</param>
/// <param name="Path">A UNIX socket's place; empty for other sockets.</param>
/// <param name="File">The number of the file there: whether what lies there is still the socket's own. 0 for other sockets.</param>
internal readonly record struct ListenerSnapshot(int Descriptor, string Path, ulong File)
{
    public static ListenerSnapshot Internet(int descriptor) => new(descriptor, "", 0);
}
