using System.Runtime.InteropServices;
using NsBridge.Linux.Interop;
using NsBridge.Linux.Tests.Abi;
using NsBridge.Testing;

namespace NsBridge.Linux.Tests;

/// <summary>A sandbox may allow a ring to be made and refuse to let it be used.</summary>
[TestFixture, LeaksNothing]
internal sealed class RefusedRingTests
{
    private const int Buffers = 8;
    private const int Bytes = 1024;
    private const int PR_SET_NO_NEW_PRIVS = 38;
    private const int PR_SET_SECCOMP = 22;
    private const nint SECCOMP_MODE_FILTER = 2;
    private const uint SYS_io_uring_enter = 426;
    private const uint SECCOMP_RET_EPERM = 0x0005_0001;
    private const uint SECCOMP_RET_ALLOW = 0x7fff_0000;

    [Test]
    public void TryCreate_WhereTheRingMayBeMadeAndNotEntered_GivesNone()
    {
        using (IoUring? ring = IoUring.TryCreate(Buffers, Bytes))
            Assume.That(ring, Is.Not.Null, "this kernel has rings");

        // The filter is the thread's alone, and ends with it.
        bool isMade = OwnThread.Run(() =>
        {
            RefuseToEnter();
            using IoUring? ring = IoUring.TryCreate(Buffers, Bytes);
            return ring is not null;
        });

        Assert.That(isMade, Is.False);
    }

    private static void RefuseToEnter()
    {
        Instruction[] program =
        [
            new(0x20, 0, 0, 0), // the number of the call
            new(0x15, 0, 1, SYS_io_uring_enter),
            new(0x06, 0, 0, SECCOMP_RET_EPERM),
            new(0x06, 0, 0, SECCOMP_RET_ALLOW),
        ];
        GCHandle pinned = GCHandle.Alloc(program, GCHandleType.Pinned);
        try
        {
            var filter = new Filter((ushort)program.Length, pinned.AddrOfPinnedObject());
            Assert.That(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), Is.Zero);
            Assert.That(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter), Is.Zero);
        }
        finally
        {
            pinned.Free();
        }
    }

    /// <summary>struct sock_filter of linux/filter.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    /// <summary>struct sock_fprog of linux/filter.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Filter(ushort Length, nint Program);

    [DllImport("libc")]
    private static extern int prctl(int option, nint first, nint second, nint third, nint fourth);

    [DllImport("libc")]
    private static extern int prctl(int option, nint first, in Filter second);
}
