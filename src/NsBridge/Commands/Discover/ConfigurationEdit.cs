using NsBridge.Base;
using NsBridge.Configuration.Reading;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Discover;

/// <summary>Adds bridges to a configuration file and leaves every other byte of it as it is.</summary>
internal static class ConfigurationEdit
{
    /// <summary>Adds the drafts, once the result has proved to be a right configuration.</summary>
    /// <returns>Where the file as it was is kept; null where there was none.</returns>
    /// <exception cref="UserErrorException">The result would be wrong, or the file cannot be written; nothing was changed.</exception>
    public static string? AddBridges(string file, IReadOnlyList<BridgeDraft> drafts)
    {
        string? temporary = null;
        try
        {
            // A link stays a link.
            string real = new FileInfo(file).LinkTarget is null ? file : File.ResolveLinkTarget(file, returnFinalTarget: true)!.FullName;
            bool existed = File.Exists(real);
            byte[] before = existed ? File.ReadAllBytes(real) : "{\n}\n"u8.ToArray();
            byte[] after = BridgeInsertion.Insert(before, [.. drafts.Select(draft => draft.ToJson())]);
            using (FileStream aside = CreateAside(real))
            {
                temporary = aside.Name;
                aside.Write(after);
            }

            ConfigurationOutcome outcome = new ConfigurationLoader(temporary, new Dictionary<string, string>()).Load();
            if (outcome.Settings is null)
                throw new UserErrorException($"{file} is left as it is; with what was found it would be wrong:\n{outcome.FaultText}", ExitCode.Configuration);
            if (!existed)
            {
                File.Move(temporary, real);
                return null;
            }

            string backup = FreeName(real);
            File.Copy(real, backup);
            Replace(real, temporary, after);
            return backup;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            bool denied = exception is UnauthorizedAccessException;
            throw new UserErrorException($"cannot write {file}: {FileFault.Describe(exception)}", denied ? ExitCode.Privilege : ExitCode.Failed);
        }
        finally
        {
            if (temporary is not null)
                Libc.Unlink(Libc.PathBytes(temporary));
        }
    }

    /// <summary>A daemon reads the file when it changes, so it changes at once, by a rename; but never its owner.</summary>
    private static void Replace(string file, string temporary, byte[] content)
    {
        if (Libc.LinkStatus(Libc.PathBytes(file), out FileStatus old) < 0 || Libc.LinkStatus(Libc.PathBytes(temporary), out FileStatus made) < 0
            || old.User != made.User || old.Group != made.Group)
        {
            File.WriteAllBytes(file, content);
            return;
        }

        File.SetUnixFileMode(temporary, File.GetUnixFileMode(file));
        File.Move(temporary, file, overwrite: true);
    }

    /// <summary>Makes a file beside the given one, by a name that nobody has.</summary>
    private static FileStream CreateAside(string file)
    {
        for (int i = 0; ; i++)
        {
            try
            {
                return new FileStream($"{file}.new{(i == 0 ? "" : i)}", FileMode.CreateNew, FileAccess.Write);
            }
            catch (IOException exception) when (exception.HResult == (int)Errno.EEXIST)
            {
                // Somebody else's: the next.
            }
        }
    }

    private static string FreeName(string file)
    {
        string name = $"{file}.bak";
        for (int i = 1; Path.Exists(name); i++)
            name = $"{file}.bak{i}";
        return name;
    }
}
