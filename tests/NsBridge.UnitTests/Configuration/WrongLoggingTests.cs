using NsBridge.Configuration.Reading;
using NsBridge.Fixtures;

namespace NsBridge.UnitTests.Configuration;

/// <summary>The framework would throw at these, and only once the daemon is being built.</summary>
internal sealed class WrongLoggingTests
{
    private const string Levels = "Trace, Debug, Information, Warning, Error, Critical, None";

    [TestCase("""{ "LogLevel": { "Default": "Bogus" } }""", "Logging:LogLevel:Default", Levels)]
    [TestCase("""{ "LogLevel": { "Default": "" } }""", "Logging:LogLevel:Default", Levels)]
    [TestCase("""{ "LogLevel": { "Default": null } }""", "Logging:LogLevel:Default", Levels)]
    [TestCase("""{ "LogLevel": { "Default": "Debug,Error" } }""", "Logging:LogLevel:Default", Levels)]
    [TestCase("""{ "LogLevel": { "Default": 7 } }""", "Logging:LogLevel:Default", Levels)]
    [TestCase("""{ "Console": { "LogLevel": { "NsBridge": "Loud" } } }""", "Logging:Console:LogLevel:NsBridge", Levels)]
    [TestCase("""{ "LogLevel": { "Default": { "NsBridge": "Debug" } } }""", "Logging:LogLevel:Default:NsBridge", "one level")]
    [TestCase("""{ "LogLevel": "Debug" }""", "Logging:LogLevel", "braces")]
    [TestCase("""{ "LogLevel": ["Debug"] }""", "Logging:LogLevel:0", "braces")]
    [TestCase("""{ "LogLevle": { "Default": "Debug" } }""", "Logging:LogLevle:Default", "did you mean LogLevel")]
    [TestCase("""{ "Default": "Debug" }""", "Logging:Default", "levels stand in LogLevel")]
    [TestCase("""{ "CaptureScopes": "perhaps" }""", "Logging:CaptureScopes", "true or false")]
    [TestCase("\"Debug\"", "Logging", "braces")]
    [TestCase("null", "Logging", "braces")]
    public void Load_OfWhatTheFrameworkWouldRefuse_IsAFault(string logging, string path, string piece) =>
        LoadedText.AssertOnlyFault(Load(logging), path, piece);

    [TestCase("""{ "LogLevel": { "Default": "debug", "NsBridge.Bridges": "None", "Microsoft": 3 } }""")]
    [TestCase("""{ "Console": { "FormatterName": "json", "FormatterOptions": { "SingleLine": true }, "LogLevel": { "Default": "Warning" } } }""")]
    [TestCase("{}")]
    public void Load_OfWhatTheFrameworkTakes_IsRight(string logging) =>
        Assert.That(Load(logging).Faults, Is.Empty);

    [Test]
    public void Load_OfAWrongVariable_NamesIt()
    {
        ConfigurationOutcome outcome = LoadedText.Load("""{ "NsBridge": { "Bridges": [] } }""", ("Logging__LogLevel__Default", "Bogus"));

        LoadedText.AssertOnlyFault(outcome, "Logging:LogLevel:Default", "(environment variable Logging__LogLevel__Default)");
        Assert.That(outcome.Faults[0].Value, Is.EqualTo("Bogus"));
    }

    [Test]
    public void Load_OfOtherFaultsToo_TellsAll()
    {
        ConfigurationOutcome outcome = LoadedText.Load("""{ "NsBridge": { "EventLoops": -1, "Bridges": [] }, "Logging": { "LogLevel": { "A": "x", "B": "y" } } }""");

        Assert.That(outcome.Faults, Has.Count.EqualTo(3), outcome.FaultText);
    }

    private static ConfigurationOutcome Load(string logging) => LoadedText.Load($$"""{ "NsBridge": { "Bridges": [] }, "Logging": {{logging}} }""");
}
