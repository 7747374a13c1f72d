using System.Globalization;
using NsBridge.Testing;

namespace NsBridge.Linux.Tests.Abi;

/// <summary>Asks the C compiler of this machine what the headers say.</summary>
internal static class CCompiler
{
    private static readonly string[] s_headers =
    [
        "errno.h", "fcntl.h", "grp.h", "linux/inet_diag.h", "linux/io_uring.h", "linux/magic.h", "linux/limits.h", "linux/netlink.h", "linux/nsfs.h", "linux/rtnetlink.h", "linux/sock_diag.h", "linux/sockios.h",
        "linux/unix_diag.h", "net/if.h", "netinet/in.h",
        "netinet/tcp.h", "netinet/udp.h", "poll.h", "sched.h", "stddef.h", "stdio.h", "sys/epoll.h",
        "sys/eventfd.h", "sys/mman.h", "sys/resource.h", "sys/socket.h", "sys/stat.h", "sys/statfs.h", "sys/syscall.h", "sys/uio.h", "sys/un.h",
        "sys/wait.h", "time.h", "unistd.h",
    ];

    /// <summary>Evaluates integer expressions of C.</summary>
    /// <exception cref="InvalidOperationException">One does not compile; the message carries the compiler's.</exception>
    internal static async Task<IReadOnlyDictionary<string, long>> EvaluateAsync(IEnumerable<string> expressions)
    {
        await DebianPackages.RequireAsync("gcc", "libc6-dev");
        var asked = expressions.Distinct().ToList();
        using var scratch = new ScratchDirectory();
        string source = scratch.Write("ask.c", $$"""
            #define _GNU_SOURCE
            {{string.Join('\n', s_headers.Select(header => $"#include <{header}>"))}}
            int main(void)
            {
            {{string.Join('\n', asked.Select(expression => $"\tprintf(\"%lld\\n\", (long long)({expression}));"))}}
            	return 0;
            }

            """);
        await Command.CheckAsync("gcc", "-o", scratch["ask"], source);
        string[] answers = (await Command.CheckAsync(scratch["ask"])).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return asked.Zip(answers, (expression, answer) => (expression, answer))
            .ToDictionary(pair => pair.expression, pair => long.Parse(pair.answer, CultureInfo.InvariantCulture));
    }
}
