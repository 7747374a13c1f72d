namespace NsBridge.Configuration.Values;

internal enum NamespaceKind
{
    /// <summary>The namespace that the daemon itself runs in.</summary>
    Host,

    /// <summary>A file in <c>/run/netns</c>.</summary>
    Name,

    /// <summary>An absolute path of a namespace file.</summary>
    Path,

    /// <summary>The namespace of a process.</summary>
    Pid,

    /// <summary>The namespace of a systemd service.</summary>
    Unit,

    /// <summary>The namespace of a container.</summary>
    Container,
}
