using System.Net.Sockets;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Bridges.Listening;

namespace NsBridge.Control;

/// <summary>A UNIX socket that is listened on for requests; its file goes with it.</summary>
internal sealed class LocalListener : IDisposable
{
    private readonly UnixSocketFile _file;

    private LocalListener(UnixSocketFile file)
    {
        _file = file;
        Socket = new Socket(new SafeSocketHandle(file.Listener, ownsHandle: true));
    }

    /// <summary>Listening; whoever serves it disposes it.</summary>
    public Socket Socket { get; }

    /// <summary>Whether others find it at its path.</summary>
    public bool IsInPlace => _file.IsInPlace;

    /// <summary>Binds and listens; takes over what a killed daemon left there.</summary>
    /// <param name="path">An absolute path of at most 107 bytes.</param>
    /// <param name="mode">The file's permissions.</param>
    /// <param name="purpose">What it is for, for messages.</param>
    /// <exception cref="UserErrorException">It cannot be had; says why and what to do.</exception>
    public static LocalListener Open(string path, int mode, string purpose)
    {
        try
        {
            return new LocalListener(UnixSocketFile.Create(path, mode, null));
        }
        catch (BridgeSetupException fault)
        {
            string message = $"nsbridge: cannot listen for {purpose}: {fault.Message}";
            throw fault.LacksPrivilege
                ? new UserErrorException($"{message}; start it as a user who may write to {Path.GetDirectoryName(path)}, or choose another path", ExitCode.Privilege)
                : new UserErrorException(message, ExitCode.Failed);
        }
    }

    /// <summary>Removes the file.</summary>
    public void Dispose()
    {
        _file.Remove();
        Socket.Dispose();
    }
}
