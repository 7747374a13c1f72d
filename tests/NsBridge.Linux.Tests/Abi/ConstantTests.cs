using System.Globalization;
using System.Reflection;
using NsBridge.Linux.Interop;

namespace NsBridge.Linux.Tests.Abi;

/// <summary>
/// Every constant of the interop against the headers. They are found by reflection, and one that the headers do not know by its name does not
/// compile: a new constant is either C's or has to be explained in <see cref="s_ourNames"/>.
/// </summary>
[TestFixture]
internal sealed class ConstantTests
{
    private const BindingFlags Everything = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>What is called otherwise here than in C.</summary>
    private static readonly Dictionary<string, string> s_ourNames = new()
    {
        ["Errno.None"] = "0",
        ["EpollEvents.Stride"] = "sizeof(struct epoll_event)",
        ["EpollEvents.DataOffset"] = "offsetof(struct epoll_event, data)",
        ["Libc.ControlHeader"] = "CMSG_LEN(0)",
        ["Libc.ControlCapacity"] = "CMSG_SPACE(253 * sizeof(int))",
        // SCM_MAX_FD is in no header for programs: DescriptorPassingTests passes as many as that.
        ["Libc.DescriptorsPerMessage"] = "253",
        // include/net/flow.h, which is in no header for programs: the first device of every namespace.
        ["DatagramBatch.LoopbackInterface"] = "1",
        ["Libc.LongestInterfaceName"] = "IFNAMSIZ - 1",
        ["Libc.UsageLongs"] = "sizeof(struct rusage) / sizeof(long)",
        ["Libc.InvoluntarySwitchesAt"] = "offsetof(struct rusage, ru_nivcsw) / sizeof(long)",
        ["Libc.RetransmitsAt"] = "offsetof(struct tcp_info, tcpi_retransmits)",
        ["Libc.ProbesAt"] = "offsetof(struct tcp_info, tcpi_probes)",
        ["Libc.LastAckReceivedAt"] = "offsetof(struct tcp_info, tcpi_last_ack_recv)",
        // Of Linux 6.15, newer than the headers.
        ["Libc.TCP_RTO_MAX_MS"] = "44",
        ["Libc.UnackedAt"] = "offsetof(struct tcp_info, tcpi_unacked)",
        // The C library's struct tcp_info ends with tcpi_total_retrans; linux/tcp.h goes on, and cannot be included beside netinet/tcp.h.
        ["Libc.BytesAckedAt"] = "offsetof(struct tcp_info, tcpi_total_retrans) + 20",
        ["Libc.NotSentBytesAt"] = "offsetof(struct tcp_info, tcpi_total_retrans) + 44",
        ["Libc.BytesSentAt"] = "offsetof(struct tcp_info, tcpi_total_retrans) + 100",
        ["Libc.BytesRetransmittedAt"] = "offsetof(struct tcp_info, tcpi_total_retrans) + 108",
        ["Libc.SizeOfTcpInfo"] = "offsetof(struct tcp_info, tcpi_total_retrans) + 116",
        // The states' bits are in no header for programs, their numbers are.
        ["Libc.TCPF_CLOSE"] = "1 << TCP_CLOSE",
        ["Libc.TCPF_LISTEN"] = "1 << TCP_LISTEN",
        ["DatagramBatch.NameBytes"] = "sizeof(struct sockaddr_in6)",
        ["DatagramBatch.ControlHeader"] = "CMSG_LEN(0)",
        ["DatagramBatch.FirstMulticast"] = "((unsigned)INADDR_UNSPEC_GROUP) >> 24",
        ["DatagramOutbox.ControlHeader"] = "CMSG_LEN(0)",
        ["DatagramOutbox.SegmentControl"] = "CMSG_SPACE(sizeof(unsigned short))",
        ["Libc.SendFlags"] = "MSG_DONTWAIT | MSG_NOSIGNAL",
        ["NativePages.PROT_READ_WRITE"] = "PROT_READ | PROT_WRITE",
        ["NativePages.MAP_PRIVATE_ANONYMOUS"] = "MAP_PRIVATE | MAP_ANONYMOUS",
        ["SockAddr.Capacity"] = "sizeof(struct sockaddr_un)",
        ["SockAddr.UnixPathCapacity"] = "sizeof(((struct sockaddr_un *)0)->sun_path)",
    };

    /// <summary>Sizes of our own choice, of which the kernel knows nothing.</summary>
    private static readonly string[] s_ourOwn =
    [
        "DatagramBatch.Capacity", "DatagramBatch.SlotBytes", "DatagramBatch.Stride", "DatagramBatch.NameStride", "DatagramBatch.ControlBytes",
        "IoUring.Requests", "IoUring.Completions", "IoUring.Group",
        "DatagramOutbox.Capacity", "DatagramOutbox.Slots", "DatagramOutbox.LongestHeader", "DatagramOutbox.SegmentsPerTrain",
        "DatagramOutbox.BytesPerTrain", "DatagramOutbox.NameStride", "DatagramOutbox.ControlStride",
    ];

    /// <summary>Numbers without a name in the interop: structures of two or three integers that are written in place.</summary>
    private static readonly Dictionary<string, long> s_unnamed = new()
    {
        ["sizeof(struct linger)"] = 8,
        ["offsetof(struct io_uring_buf_ring, tail) - offsetof(struct io_uring_buf, resv)"] = 0,
        ["offsetof(struct linger, l_onoff)"] = 0,
        ["offsetof(struct linger, l_linger)"] = 4,
        ["sizeof(struct ucred)"] = 12,
        ["offsetof(struct ucred, pid)"] = 0,
        ["offsetof(struct ucred, uid)"] = 4,
        ["sizeof(struct rlimit)"] = 16,
        ["offsetof(struct rlimit, rlim_cur)"] = 0,
        ["offsetof(struct statfs, f_type)"] = 0,
        ["sizeof(((struct statfs *)0)->f_type)"] = 8,
        ["sizeof(struct statfs) <= 16 * sizeof(long)"] = 1,
        ["sizeof(struct ifinfomsg)"] = 16,
        ["offsetof(struct ifinfomsg, ifi_index)"] = 4,
        ["offsetof(struct ifinfomsg, ifi_flags)"] = 8,
        ["offsetof(struct ifinfomsg, ifi_change)"] = 12,
        ["sizeof(struct in_pktinfo)"] = 12,
        ["offsetof(struct in_pktinfo, ipi_spec_dst)"] = 4,
        ["sizeof(struct in6_pktinfo)"] = 20,
        ["offsetof(struct in6_pktinfo, ipi6_ifindex)"] = 16,
        ["CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) <= 80"] = 1,
        ["CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(int)) <= 128"] = 1,
        ["sizeof(struct nlmsghdr)"] = 16,
        ["offsetof(struct nlmsghdr, nlmsg_type)"] = 4,
        ["offsetof(struct nlmsghdr, nlmsg_flags)"] = 6,
        ["sizeof(struct inet_diag_req_v2)"] = 56,
        ["offsetof(struct inet_diag_req_v2, idiag_states)"] = 4,
        ["sizeof(struct inet_diag_msg)"] = 72,
        ["offsetof(struct inet_diag_msg, id.idiag_sport)"] = 4,
        ["offsetof(struct inet_diag_msg, id.idiag_dport)"] = 6,
        ["offsetof(struct inet_diag_msg, idiag_uid)"] = 64,
        ["offsetof(struct inet_diag_msg, idiag_inode)"] = 68,
        ["sizeof(struct unix_diag_req)"] = 24,
        ["offsetof(struct unix_diag_req, udiag_states)"] = 4,
        ["offsetof(struct unix_diag_req, udiag_show)"] = 12,
        ["sizeof(struct unix_diag_msg)"] = 16,
        ["offsetof(struct unix_diag_msg, udiag_ino)"] = 4,
        ["offsetof(struct tcp_info, tcpi_ca_state)"] = 1,
        ["TCP_LISTEN"] = 10,
        ["sizeof(eventfd_t)"] = 8,
        ["sizeof(socklen_t)"] = 4,
    };

    private static IEnumerable<Type> Types =>
        typeof(Libc).Assembly.GetTypes().Where(type => type.Namespace == typeof(Libc).Namespace && !type.Name.StartsWith('<'));

    [Test]
    public async Task Constants_OfTheInterop_AreTheHeaders()
    {
        var all = Constants().Concat(Properties()).ToDictionary(constant => constant.Name, constant => constant.Value);
        var ours = all.Where(constant => !s_ourOwn.Contains(constant.Key)).ToDictionary();
        IReadOnlyDictionary<string, long> theirs = await CCompiler.EvaluateAsync(ours.Keys.Select(CName));

        Assert.That(ours, Has.Count.GreaterThan(120), "found by reflection");
        Assert.That(s_ourNames.Keys.Concat(s_ourOwn).Except(all.Keys), Is.Empty, "explained, but gone");
        Assert.That(ours.Where(constant => theirs[CName(constant.Key)] != constant.Value)
            .Select(constant => $"{constant.Key} is {constant.Value}, in C {theirs[CName(constant.Key)]}"), Is.Empty);
    }

    [Test]
    public async Task Numbers_WrittenInPlace_AreTheHeaders() => Assert.That(await CCompiler.EvaluateAsync(s_unnamed.Keys), Is.EquivalentTo(s_unnamed));

    private static string CName(string constant) => s_ourNames.GetValueOrDefault(constant, constant[(constant.IndexOf('.', StringComparison.Ordinal) + 1)..]);

    private static IEnumerable<(string Name, long Value)> Constants() =>
        from type in Types
        from field in type.GetFields(Everything)
        where field.IsLiteral && field.FieldType != typeof(string)
        select ($"{type.Name}.{field.Name}", Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture));

    /// <summary>Constants that differ between architectures are properties.</summary>
    private static IEnumerable<(string Name, long Value)> Properties() =>
        from type in Types
        from property in type.GetProperties(Everything)
        where property.PropertyType == typeof(int) && property.Name != "LastError"
        select ($"{type.Name}.{property.Name}", (long)(int)property.GetValue(null)!);
}
