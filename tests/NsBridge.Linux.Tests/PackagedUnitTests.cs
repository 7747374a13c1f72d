using System.Text.RegularExpressions;
using NsBridge.Testing;

namespace NsBridge.Linux.Tests;

/// <summary>The packaged unit allows what the program calls, and no ioctl(2): with CAP_SYS_ADMIN that reads and writes any file of an XFS file system.</summary>
[TestFixture]
internal sealed class PackagedUnitTests
{
    /// <summary>None of them contains ioctl, see systemd.exec(5) and <c>systemd-analyze syscall-filter</c>.</summary>
    private static readonly string[] s_groups = ["@default", "@basic-io", "@io-event", "@network-io", "@signal", "@timer"];

    private static string Deploy => Path.Combine(Repository.Root, "deploy");

    [Test]
    public async Task Filter_OfTheUnitAndItsDropIns_DoesNotAllowIoctl()
    {
        string[] unit = await AllowedAsync(Path.Combine(Deploy, "nsbridge.service"));
        Assert.That(unit, Does.Contain("setns"), "the filter is read");
        foreach (string file in Directory.GetFiles(Path.Combine(Deploy, "examples"), "*.conf").Prepend(Path.Combine(Deploy, "nsbridge.service")))
        {
            string[] allowed = await AllowedAsync(file);
            Assert.That(allowed, Has.None.EqualTo("ioctl"), file);
            Assert.That(allowed.Where(call => call.StartsWith('@')).Except(s_groups), Is.Empty, file);
        }
    }

    [Test]
    public async Task Filter_OfTheUnit_RefusesInsteadOfKilling()
    {
        string[] lines = await File.ReadAllLinesAsync(Path.Combine(Deploy, "nsbridge.service"));
        Assert.That(lines, Has.Member("SystemCallFilter=~ioctl").And.Member("SystemCallErrorNumber=EPERM"));
    }

    [Test]
    public async Task Sources_OfTheProgram_CallNoIoctl()
    {
        // NS_GET_USERNS is for 'nsbridge expose' without root, which the unit never runs.
        IEnumerable<string> files = Directory.GetFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.EndsWith("/Libc.UserNamespace.cs", StringComparison.Ordinal));
        foreach (string file in files)
            Assert.That(Regex.IsMatch(await File.ReadAllTextAsync(file), @"partial \w+ \w*ioctl\("), Is.False, file);
    }

    private static async Task<string[]> AllowedAsync(string file) =>
    [
        .. (await File.ReadAllLinesAsync(file))
            .Where(line => line.StartsWith("SystemCallFilter=", StringComparison.Ordinal) && !line.Contains('~', StringComparison.Ordinal))
            .SelectMany(line => line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..].Split(' ')),
    ];
}
