using System.Net;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NsBridge.Linux.Interop;

namespace NsBridge.Linux.Tests.Abi;

/// <summary>Every structure of the interop against the C compiler: its size and each field's offset.</summary>
[TestFixture]
internal sealed class StructLayoutTests
{
    private static readonly StructLayout[] s_layouts =
    [
        StructLayout.Of<Libc.MessageHeader>(
            "struct msghdr",
            ("Name", "msg_name"),
            ("NameLength", "msg_namelen"),
            ("Vectors", "msg_iov"),
            ("VectorCount", "msg_iovlen"),
            ("Control", "msg_control"),
            ("ControlLength", "msg_controllen"),
            ("Flags", "msg_flags")),
        StructLayout.Of<Libc.MultiMessage>("struct mmsghdr", ("Header", "msg_hdr"), ("Length", "msg_len")),
        StructLayout.Of<Libc.Vector>("struct iovec", ("Base", "iov_base"), ("Length", "iov_len")),
        StructLayout.Of<Libc.ControlMessage>("struct cmsghdr", ("Length", "cmsg_len"), ("Level", "cmsg_level"), ("Type", "cmsg_type")),
        StructLayout.Of<Libc.PollEntry>("struct pollfd", ("Descriptor", "fd"), ("Events", "events"), ("Happened", "revents")),
        StructLayout.Of<Libc.Group>("struct group", ("Name", "gr_name"), ("Password", "gr_passwd"), ("Id", "gr_gid"), ("Members", "gr_mem")),
        StructLayout.Of<FileStatus>(
            "struct statx",
            ("User", "stx_uid"),
            ("Group", "stx_gid"),
            ("Mode", "stx_mode"),
            ("Inode", "stx_ino"),
            ("Size", "stx_size"),
            ("Blocks", "stx_blocks"),
            ("ChangedSeconds", "stx_ctime.tv_sec"),
            ("ChangedNanoseconds", "stx_ctime.tv_nsec"),
            ("ModifiedSeconds", "stx_mtime.tv_sec"),
            ("ModifiedNanoseconds", "stx_mtime.tv_nsec"),
            ("DeviceMajor", "stx_dev_major"),
            ("DeviceMinor", "stx_dev_minor")),
        StructLayout.Of<Libc.IoUringRequest>(
            "struct io_uring_sqe",
            ("Operation", "opcode"),
            ("Flags", "flags"),
            ("Priority", "ioprio"),
            ("Descriptor", "fd"),
            ("Address", "addr"),
            ("Length", "len"),
            ("OperationFlags", "msg_flags"),
            ("UserData", "user_data"),
            ("BufferGroup", "buf_group")),
        StructLayout.Of<IoUringCompletion>("struct io_uring_cqe", ("UserData", "user_data"), ("Result", "res"), ("Flags", "flags")),
        StructLayout.Of<Libc.IoUringParameters>(
            "struct io_uring_params",
            ("SubmissionEntries", "sq_entries"),
            ("CompletionEntries", "cq_entries"),
            ("Flags", "flags"),
            ("Features", "features"),
            ("SubmissionHead", "sq_off.head"),
            ("SubmissionTail", "sq_off.tail"),
            ("SubmissionMask", "sq_off.ring_mask"),
            ("SubmissionArray", "sq_off.array"),
            ("CompletionHead", "cq_off.head"),
            ("CompletionTail", "cq_off.tail"),
            ("CompletionMask", "cq_off.ring_mask"),
            ("Completions", "cq_off.cqes")),
        StructLayout.Of<Libc.IoUringBuffer>("struct io_uring_buf", ("Address", "addr"), ("Length", "len"), ("Id", "bid"), ("Tail", "resv")),
        StructLayout.Of<Libc.IoUringBufferRegistration>(
            "struct io_uring_buf_reg", ("RingAddress", "ring_addr"), ("RingEntries", "ring_entries"), ("BufferGroup", "bgid")),
        StructLayout.Of<Libc.IoUringWaitArgument>("struct io_uring_getevents_arg", ("Timeout", "ts")),
        StructLayout.Of<Libc.KernelTimespec>("struct __kernel_timespec", ("Seconds", "tv_sec"), ("Nanoseconds", "tv_nsec")),
    ];

    /// <summary>SockAddr is the bytes of three structures: compared by what it writes, below.</summary>
    private static readonly string[] s_comparedByBytes = [typeof(SockAddr).FullName!, $"{typeof(SockAddr).FullName}+Bytes"];

    /// <summary>Never shown to the kernel.</summary>
    private static readonly string[] s_ourOwn = [typeof(DatagramRoute).FullName!];

    [Test]
    public void Structures_OfTheInterop_AreAllCompared()
    {
        IEnumerable<Type> structures = typeof(Libc).Assembly.GetTypes().Where(type =>
            type.Namespace == typeof(Libc).Namespace && type is { IsValueType: true, IsEnum: false } && !type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false));
        Assert.That(structures.Select(type => type.FullName), Is.EquivalentTo(s_layouts.Select(layout => layout.Type.FullName).Concat(s_comparedByBytes).Concat(s_ourOwn)));
        Assert.Multiple(() =>
        {
            foreach (StructLayout layout in s_layouts)
                Assert.That(layout.Offsets, Has.Count.EqualTo(layout.Type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Length), layout.CType);
        });
    }

    [TestCaseSource(nameof(s_layouts))]
    public async Task Structure_SizeAndOffsets_AreTheCompilers(object structure)
    {
        var layout = (StructLayout)structure;
        IReadOnlyDictionary<string, long> answers = await CCompiler.EvaluateAsync(layout.Offsets.Keys.Select(field => OffsetOf(layout.CType, field)).Prepend($"sizeof({layout.CType})"));
        Assert.Multiple(() =>
        {
            Assert.That(layout.Size, Is.EqualTo(answers[$"sizeof({layout.CType})"]), "size");
            foreach ((string? field, int offset) in layout.Offsets)
                Assert.That(offset, Is.EqualTo(answers[OffsetOf(layout.CType, field)]), field);
        });
    }

    [Test]
    public async Task SockAddr_Bytes_AreTheCompilers()
    {
        var v4 = SockAddr.From(IPAddress.Parse("1.2.3.4"), 0x1122);
        var v6 = SockAddr.From(IPAddress.Parse("2001:db8::5%7"), 0x1122);
        var unix = SockAddr.FromPath("/x");
        IReadOnlyDictionary<string, long> c = await CCompiler.EvaluateAsync(
        [
            "sizeof(struct sockaddr_in)", OffsetOf("struct sockaddr_in", "sin_port"), OffsetOf("struct sockaddr_in", "sin_addr"),
            "sizeof(struct sockaddr_in6)", OffsetOf("struct sockaddr_in6", "sin6_port"), OffsetOf("struct sockaddr_in6", "sin6_addr"),
            OffsetOf("struct sockaddr_in6", "sin6_scope_id"), OffsetOf("struct sockaddr_un", "sun_path"), "sizeof(sa_family_t)",
        ]);
        byte[] port = [0x11, 0x22];
        Assert.Multiple(() =>
        {
            Assert.That(v4.Length, Is.EqualTo(c["sizeof(struct sockaddr_in)"]));
            Assert.That(At(v4, c[OffsetOf("struct sockaddr_in", "sin_port")], 2), Is.EqualTo(port));
            Assert.That(At(v4, c[OffsetOf("struct sockaddr_in", "sin_addr")], 4), Is.EqualTo(new byte[] { 1, 2, 3, 4 }));
            Assert.That(v6.Length, Is.EqualTo(c["sizeof(struct sockaddr_in6)"]));
            Assert.That(At(v6, c[OffsetOf("struct sockaddr_in6", "sin6_port")], 2), Is.EqualTo(port));
            Assert.That(At(v6, c[OffsetOf("struct sockaddr_in6", "sin6_addr")], 16), Is.EqualTo(IPAddress.Parse("2001:db8::5").GetAddressBytes()));
            Assert.That(At(v6, c[OffsetOf("struct sockaddr_in6", "sin6_scope_id")], 4), Is.EqualTo(BitConverter.GetBytes(7)));
            Assert.That(At(unix, c[OffsetOf("struct sockaddr_un", "sun_path")], 3), Is.EqualTo("/x\0"u8.ToArray()));
            Assert.That(unix.Length, Is.EqualTo(c[OffsetOf("struct sockaddr_un", "sun_path")] + 3));
            Assert.That(c["sizeof(sa_family_t)"], Is.EqualTo(sizeof(ushort)));
        });
    }

    private static string OffsetOf(string structure, string field) => $"offsetof({structure}, {field})";

    private static byte[] At(SockAddr address, long offset, int length) =>
        MemoryMarshal.AsBytes(new ReadOnlySpan<SockAddr>(in address)).Slice((int)offset, length).ToArray();
}
