using System.Text;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;

namespace NsBridge.Fixtures;

/// <summary>Loads a text as the configuration file, with an environment of the test's own.</summary>
internal static class LoadedText
{
    public static ConfigurationOutcome Load(string json, params (string Variable, string Value)[] environment) =>
        Load(Encoding.UTF8.GetBytes(json), environment);

    /// <summary>Loads with a table of keys of the test's own.</summary>
    public static ConfigurationOutcome Load(string json, KeyTable table, params (string Variable, string Value)[] environment) =>
        Load(Encoding.UTF8.GetBytes(json), null, table, environment);

    public static ConfigurationOutcome Load(byte[] bytes, params (string Variable, string Value)[] environment) =>
        Load(bytes, null, null, environment);

    /// <summary>Loads as a process that keeps a runtime directory of its own.</summary>
    public static ConfigurationOutcome Load(string json, string directoryInUse) => Load(Encoding.UTF8.GetBytes(json), directoryInUse, null);

    private static ConfigurationOutcome Load(
        byte[] bytes, string? directoryInUse, KeyTable? table, params (string Variable, string Value)[] environment)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, bytes);
            return new ConfigurationLoader(file, environment.ToDictionary(entry => entry.Variable, entry => entry.Value), table)
                .Load(directoryInUse);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>Loads bridges, each the inside of its braces.</summary>
    public static ConfigurationOutcome Bridges(params string[] bridges) => Load(Json(bridges));

    /// <summary>The settings of bridges that must be right.</summary>
    public static DaemonSettings Right(params string[] bridges)
    {
        ConfigurationOutcome outcome = Bridges(bridges);
        Assert.That(outcome.Faults, Is.Empty, outcome.FaultText);
        return outcome.Settings!;
    }

    public static string Json(params string[] bridges) =>
        $$$"""{"NsBridge":{"Bridges":[{{{string.Join(",", bridges.Select(bridge => $"{{{bridge}}}"))}}}]}}""";

    /// <summary>Asserts exactly one fault, at a path, with a piece of its message.</summary>
    public static void AssertOnlyFault(ConfigurationOutcome outcome, string path, string piece)
    {
        Assert.That(outcome.Settings, Is.Null);
        Assert.That(outcome.Faults, Has.Count.EqualTo(1), outcome.FaultText);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome.Faults[0].Path, Is.EqualTo(path));
            Assert.That(outcome.Faults[0].Message, Does.Contain(piece));
        }
    }
}
