using System.Diagnostics;
using System.Runtime.InteropServices;
using NsBridge.Linux.Interop;
using NsBridge.Testing;

namespace NsBridge.Linux.Tests;

/// <summary>Whether a process has ended.</summary>
[TestFixture, LeaksNothing]
internal sealed class ProcessEndTests
{
    private const int SIGCONT = 18;
    private static readonly TimeSpan s_span = TimeSpan.FromSeconds(2);

    [Test]
    public void HasEnded_OfALivingProcess_IsFalseWhateverSignalInterruptsTheLook()
    {
        using var registration = PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ => { });
        int pidFd = Libc.PidFdOpen(Environment.ProcessId);
        bool isOver = false;
        int looks = 0, dead = 0, thread = 0;
        var looker = new Thread(() =>
        {
            Volatile.Write(ref thread, gettid());
            for (; !Volatile.Read(ref isOver); looks++)
                dead += Libc.HasEnded(pidFd) ? 1 : 0;
        });
        looker.Start();
        SpinWait.SpinUntil(() => Volatile.Read(ref thread) != 0);

        // About one in a hundred comes between the call's beginning and its look.
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < s_span && Volatile.Read(ref dead) == 0;)
            Assert.That(tgkill(Environment.ProcessId, thread, SIGCONT), Is.Zero);
        Volatile.Write(ref isOver, true);
        looker.Join();
        Libc.Close(pidFd);

        Assert.That(dead, Is.Zero, $"of {looks} looks");
    }

    [DllImport("libc")]
    private static extern int gettid();

    [DllImport("libc")]
    private static extern int tgkill(int process, int thread, int signal);
}
