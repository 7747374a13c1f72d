using System.Text.Json;
using NsBridge.Base;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Control;

namespace NsBridge.Commands.Discover;

/// <summary>Who takes up what was added to a configuration.</summary>
internal static class Uptake
{
    /// <summary>Asks the daemon of the file's runtime directory; that need not be one that goes by this file.</summary>
    /// <param name="loader">Of the file that was written.</param>
    /// <param name="them">The bridges, in one word.</param>
    /// <param name="stop">Gives up asking.</param>
    public static async Task<string> TellAsync(ConfigurationLoader loader, string them, CancellationToken stop)
    {
        string directory = loader.Load().RuntimeDirectory ?? DaemonSettings.DefaultRuntimeDirectory;
        try
        {
            byte[] answer = await ControlClient.AskStatusAsync(DaemonSettings.ControlSocketIn(directory), stop);
            // One of an earlier version does not say which file it has.
            if (JsonSerializer.Deserialize(answer, StatusJson.Default.StatusDocument) is { Configuration: { } file } daemon)
            {
                return IsSame(file, loader.File)
                    ? $"the running daemon (pid {daemon.Pid}) takes {them} up by itself"
                    : $"the running daemon (pid {daemon.Pid}) does not take {them} up: its configuration is {file}";
            }
        }
        catch (Exception exception) when (exception is UserErrorException or JsonException)
        {
            // None runs, or it cannot be asked.
        }

        return $"a daemon whose configuration this is takes {them} up by itself";
    }

    /// <summary>By whatever name: one of them may be a link.</summary>
    private static bool IsSame(string file, string other) => file == other || (FileMark.Of(file) is { Exists: true } mark && mark == FileMark.Of(other));
}
