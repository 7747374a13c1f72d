using Microsoft.Win32.SafeHandles;

namespace NsBridge.IntegrationTests.Commands.Demo;

/// <summary>
/// The network namespace that a process is in. Held open: the kernel gives the number of one that has gone to the next that is made.
/// </summary>
internal sealed class ProcessPlace : IDisposable
{
    private readonly SafeFileHandle _held;
    private readonly string _name;

    public ProcessPlace(int process)
    {
        _held = File.OpenHandle($"/proc/{process}/ns/net", share: FileShare.ReadWrite | FileShare.Delete);
        _name = NameOf($"/proc/{process}")!;
    }

    /// <summary>The folders in <c>/proc</c> of all processes that are in it now.</summary>
    public List<string> Processes() => [.. Directory.EnumerateDirectories("/proc")
        .Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0]) && NameOf(folder) == _name)];

    private static string? NameOf(string folder)
    {
        try
        {
            return new FileInfo($"{folder}/ns/net").LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    public void Dispose() => _held.Dispose();
}
