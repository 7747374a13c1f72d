using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using NsBridge.Base;
using NsBridge.Commands.Demo;
using NsBridge.Commands.Inspection;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Expose;

/// <summary>A second process of this program, without privilege, in the network namespace of a process of the same user. It makes sockets
/// there for this one, and ends with it, also by SIGKILL: the kernel closes the socket pair between them.</summary>
/// <remarks>A process with threads may not join a user namespace (EINVAL): nsenter(1) of util-linux joins, and executes this program. The
/// user namespace is that which owns the network: the process itself may be in one below (bubblewrap).</remarks>
internal sealed class InsideProcess : IDisposable
{
    /// <summary>The argument that makes this program the process inside; not for users.</summary>
    public const string Argument = "expose-inside";

    private const int StartMilliseconds = 10_000;

    private readonly Process _process;
    private readonly SocketMaker _sockets;
    private readonly int _of;

    private InsideProcess(Process process, SocketMaker sockets, int of, string description)
    {
        (_process, _sockets, _of) = (process, sockets, of);
        Network = NetworkNamespace.Through(sockets, description);
    }

    public NetworkNamespace Network { get; }

    /// <summary>Whether it is there, and so is the process whose namespace it is in.</summary>
    public bool IsAlive => !Libc.HasEnded(_of) && _sockets.IsAlive;

    /// <summary>Starts it. Waits for it, on a thread that may.</summary>
    /// <param name="process">The process whose namespace is meant.</param>
    /// <param name="description">The process, for messages.</param>
    /// <returns>Null if the process has ended.</returns>
    /// <exception cref="UserErrorException">This user may not enter the namespace.</exception>
    public static InsideProcess? Start(int process, string description)
    {
        string nsenter = ProgramPath.Find("nsenter")
            ?? throw Refused(description, "without root it needs 'nsenter' of util-linux, which is not in PATH");
        int of = Libc.PidFdOpen(process);
        int network = Libc.Open(Libc.PathBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/ns/net")), Libc.O_RDONLY);
        int owner = network < 0 ? network : Libc.OwningUserNamespace(network);
        int pair = Libc.SocketPair(Libc.SOCK_SEQPACKET, out int here, out int there);
        int handed = Libc.DuplicateForChild(there);
        var sockets = new SocketMaker(here);
        InsideProcess? made = null;
        try
        {
            if (owner < 0)
                throw Refused(description, $"its network belongs to another user ({Libc.ErrorOf(owner)})");
            if (IsOwn(owner))
                throw Refused(description, "it has no user namespace of its own (PrivateUsers=yes of a user's unit, unshare -Urn)");
            if (of < 0 || pair < 0 || handed < 0)
                throw Refused(description, $"{Libc.ErrorOf(Math.Min(of, Math.Min(pair, handed)))}");
            string own = string.Create(CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}/fd/");
            string number = handed.ToString(CultureInfo.InvariantCulture);
            string[] join = [$"--user={own}{owner}", $"--net={own}{network}", "--preserve-credentials", "--"];
            var start = new ProcessStartInfo(nsenter, [.. join, .. ProgramPath.Self, Argument, number]) { RedirectStandardError = true };
            made = new InsideProcess(Process.Start(start)!, sockets, of, description);
            Close(ref handed);
            Close(ref there);
            if (sockets.WaitStarted(StartMilliseconds))
                return made;
            made._process.Kill();
            string said = made._process.StandardError.ReadToEnd().Trim();
            throw Refused(description, said.Length > 0 ? said : "its second process does not start");
        }
        catch (Exception fault)
        {
            bool hasEnded = of < 0 || Libc.HasEnded(of);
            if (made is not null)
                made.Dispose();
            else
                Close(ref of);
            sockets.Dispose();
            if (hasEnded)
                return null;
            if (fault is Win32Exception)
                throw Refused(description, $"cannot start {nsenter}: {ErrorText.Of(fault)}");
            throw;
        }
        finally
        {
            foreach (int descriptor in (ReadOnlySpan<int>)[network, owner, there, handed])
                Libc.Close(descriptor);
        }
    }

    /// <summary>The process inside.</summary>
    /// <param name="channel">Its end of the socket pair.</param>
    public static int Serve(string channel)
    {
        // These reach each process of a terminal or a group: this one ends after the one that asks.
        PosixSignalRegistration[] ignored = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT }
            .Select(signal => PosixSignalRegistration.Create(signal, received => received.Cancel = true))];
        SocketMaker.Serve(int.Parse(channel, CultureInfo.InvariantCulture));
        GC.KeepAlive(ignored);
        return ExitCode.Success;
    }

    public void Dispose()
    {
        _sockets.Dispose();
        _process.Dispose();
        Libc.Close(_of);
    }

    /// <summary>Whether a user namespace is the one of this process, in which it gains no capability.</summary>
    private static bool IsOwn(int userNamespace)
    {
        int own = Libc.Open("/proc/self/ns/user\0"u8, Libc.O_RDONLY);
        bool isSame = Libc.Status(own, out FileStatus ours) >= 0 && Libc.Status(userNamespace, out FileStatus theirs) >= 0
            && ours.IsSameFile(theirs);
        Libc.Close(own);
        return isSame;
    }

    private static void Close(ref int descriptor)
    {
        Libc.Close(descriptor);
        descriptor = -1;
    }

    private static UserErrorException Refused(string description, string why) => new(
        $"nsbridge expose: cannot enter the network namespace of {description}: CAP_SYS_ADMIN is missing, and {why}.\n"
            + $"{UserNamespaceBan.AppArmor()}Run it as root: sudo nsbridge expose",
        ExitCode.Privilege);
}
