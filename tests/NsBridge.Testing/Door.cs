namespace NsBridge.Testing;

/// <summary>The two ways into a bridge.</summary>
public enum Door
{
    /// <summary>Its listener.</summary>
    Tcp,

    /// <summary>Its UNIX socket.</summary>
    Unix,
}
