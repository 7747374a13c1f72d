using NsBridge.Base;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;

namespace NsBridge.Control;

/// <summary>
/// Finds the control socket of the daemon that a configuration belongs to. Faults elsewhere in the file do not matter: the daemon
/// runs on with the last good one, and the moment of a broken file is the one in which its state is asked for.
/// </summary>
/// <param name="Socket">Where to ask.</param>
/// <param name="Doubt">What is wrong with the file, and what follows for the place; null where nothing is.</param>
internal sealed record ControlPath(string Socket, string? Doubt)
{
    /// <exception cref="UserErrorException">The file that was named does not exist or cannot be read.</exception>
    public static ControlPath Find(string? configFile)
    {
        var loader = ConfigurationLoader.ForProcess(configFile);
        ConfigurationOutcome outcome = loader.Load();
        if (outcome.Settings is { } settings)
            return new ControlPath(settings.ControlSocket, null);
        bool isThere = File.Exists(loader.File);
        if (configFile is not null && !isThere)
            throw new UserErrorException(outcome.FaultText, ExitCode.Configuration);
        string directory = outcome.RuntimeDirectory ?? DaemonKeys.DefaultRuntimeDirectory;
        string where = outcome.RuntimeDirectory is null ? $"its RuntimeDirectory cannot be told and is taken to be {directory}" : $"the daemon in {directory} runs on with what it has";
        return new ControlPath(DaemonSettings.ControlSocketIn(directory), isThere ? $"{outcome.FaultText}{Environment.NewLine}{loader.File} is wrong; {where}" : null);
    }
}
