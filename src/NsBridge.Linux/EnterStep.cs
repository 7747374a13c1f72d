namespace NsBridge.Linux;

/// <summary>The steps to a socket of another network namespace, in their order.</summary>
public enum EnterStep
{
    /// <summary>Nothing failed.</summary>
    None,

    /// <summary>Opening the namespace's file.</summary>
    Open,

    /// <summary>setns(2) into it.</summary>
    Enter,

    /// <summary>socket(2) inside.</summary>
    Socket,

    /// <summary>What was entered is the daemon's own namespace although another was asked for.</summary>
    OwnNamespace,
}
