using System.Globalization;
using System.IO.MemoryMappedFiles;
using NsBridge.Testing;

namespace NsBridge.Linux.Tests;

internal sealed class ProgramImageTests
{
    private const int Pages = 1100;
    private const int Written = 600;

    [Test]
    public void ReleaseUnchanged_OfAPrivateMapping_KeepsWhatWasWritten()
    {
        int page = Environment.SystemPageSize;
        using var scratch = new ScratchDirectory();
        byte[] content = Pattern.Take(Pages * page);
        File.WriteAllBytes(scratch["constants"], content);
        using var mapping = MemoryMappedFile.CreateFromFile(scratch["constants"], FileMode.Open, mapName: null, 0, MemoryMappedFileAccess.CopyOnWrite);
        using MemoryMappedViewAccessor view = mapping.CreateViewAccessor(0, 0, MemoryMappedFileAccess.CopyOnWrite);
        content[Written * page] ^= 0xff;
        view.Write(Written * page, content[Written * page]);
        Assert.That(Read(view, content.Length), Is.EqualTo(content), "every page is in memory");
        nint start = view.SafeMemoryMappedViewHandle.DangerousGetHandle();

        long released = ProgramImage.ReleaseUnchanged(start, start + content.Length);
        long resident = Resident(scratch["constants"]);

        Assert.Multiple(() =>
        {
            Assert.That(released, Is.EqualTo((long)(Pages - 1) * page));
            Assert.That(resident, Is.EqualTo(page));
            Assert.That(Read(view, content.Length), Is.EqualTo(content), "unchanged pages come back from the file, the written one stayed");
        });
    }

    [Test]
    public void ReleaseConstants_OfThisProcess_HarmsNothing() => Assert.That(ProgramImage.ReleaseConstants, Is.GreaterThanOrEqualTo(0));

    private static byte[] Read(MemoryMappedViewAccessor view, int length)
    {
        byte[] bytes = new byte[length];
        view.ReadArray(0, bytes, 0, length);
        return bytes;
    }

    /// <summary>The bytes in memory of this process' mapping of a file.</summary>
    private static long Resident(string file) =>
        File.ReadLines("/proc/self/smaps")
            .SkipWhile(line => !line.EndsWith(file, StringComparison.Ordinal))
            .First(line => line.StartsWith("Rss:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            is [_, var kibibytes, ..] ? long.Parse(kibibytes, CultureInfo.InvariantCulture) * 1024 : 0;
}
