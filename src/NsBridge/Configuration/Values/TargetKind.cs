namespace NsBridge.Configuration.Values;

internal enum TargetKind
{
    /// <summary>One literal address.</summary>
    Address,

    /// <summary>127.0.0.1, then ::1.</summary>
    Localhost,

    /// <summary>A UNIX socket with a path.</summary>
    UnixPath,

    /// <summary>A UNIX socket in the namespace's abstract name space.</summary>
    UnixAbstract,
}
