namespace NsBridge.Testing;

/// <summary>A private folder below the system's temporary folder, removed with everything in it.</summary>
public sealed class ScratchDirectory : IDisposable
{
    /// <summary>Its absolute path; short, because a UNIX socket's path has 108 bytes at most.</summary>
    public string FullName { get; } = Directory.CreateTempSubdirectory("nsb-").FullName;

    /// <summary>The path of <paramref name="name"/> inside; nothing is made.</summary>
    public string this[string name] => Path.Combine(FullName, name);

    /// <summary>Writes a file inside and returns its path.</summary>
    public string Write(string name, string content)
    {
        File.WriteAllText(this[name], content);
        return this[name];
    }

    /// <summary>Lets every user pass through and read, for tests with other users.</summary>
    public void OpenToEveryone() =>
        File.SetUnixFileMode(FullName, File.GetUnixFileMode(FullName)
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

    public void Dispose() => Directory.Delete(FullName, recursive: true);
}
