using System.Text.Json;
using NsBridge.CommandLine;
using NsBridge.Configuration;

namespace NsBridge.Operations.Status;

/// <summary>
/// Finds the control socket of the daemon that a configuration belongs to. Faults elsewhere in the file do not matter: the daemon
/// runs on with the last good one, and the moment of a broken file is the one in which its state is asked for.
/// </summary>
internal static class ControlPath
{
    /// <exception cref="UserFault">The file that was named does not exist or cannot be read.</exception>
    public static string Find(string? configFile)
    {
        var loader = ConfigurationLoader.ForProcess(configFile);
        var outcome = loader.Load();
        if (outcome.Settings is { } settings)
            return settings.ControlSocket;
        if (configFile is not null && !File.Exists(loader.File))
            throw new UserFault(outcome.FaultText, ExitCode.Configuration);
        return DaemonSettings.ControlSocketIn(WrittenDirectory(loader.File) ?? DaemonSettings.DefaultRuntimeDirectory);
    }

    private static string? WrittenDirectory(string file)
    {
        try
        {
            using var document = JsonDocument.Parse(
                File.ReadAllBytes(file), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            return document.RootElement.TryGetProperty("NsBridge", out var section)
                && section.TryGetProperty("RuntimeDirectory", out var directory)
                && directory.GetString() is ['/', ..] path
                    ? path
                    : null;
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return null;
        }
    }
}
