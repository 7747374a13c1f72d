using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Fixtures;

namespace NsBridge.UnitTests.Configuration;

[TestFixture]
internal sealed class EnvironmentTests
{
    private static readonly string s_web = LoadedText.Json(""" "Name":"web", "Listen":["80","81"] """);

    [Test]
    public void Variable_OverTheFile_Wins()
    {
        ConfigurationOutcome outcome = LoadedText.Load(
            s_web, ("NsBridge__Bridges__0__Listen", "90"), ("NSBRIDGE__bridges__0__NAME", "other"), ("NsBridge__ShutdownTimeout", "00:00:09"));
        Assert.That(outcome.Faults, Is.Empty, outcome.FaultText);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome.Settings!.Bridges[0].Listen.ToString(), Is.EqualTo("90"));
            Assert.That(outcome.Settings.Bridges[0].Name, Is.EqualTo("other"));
            Assert.That(outcome.Settings.ShutdownTimeout, Is.EqualTo(TimeSpan.FromSeconds(9)));
        }
    }

    [Test]
    public void Variable_ListEntry_ChangesTheList()
    {
        ConfigurationOutcome outcome = LoadedText.Load(s_web, ("NsBridge__Bridges__0__Listen__1", "90"), ("NsBridge__Bridges__0__Listen__7", "91"));
        Assert.That(outcome.Settings!.Bridges[0].Listen.Select(entry => entry.Text), Is.EqualTo(new[] { "80", "90", "91" }));
    }

    [Test]
    public void Variable_ListOverOneValue_ReplacesIt()
    {
        ConfigurationOutcome outcome = LoadedText.Load(LoadedText.Json(""" "Name":"web", "Listen":"80" """), ("NsBridge__Bridges__0__Listen__0", "90"));
        Assert.That(outcome.Settings!.Bridges[0].Listen.ToString(), Is.EqualTo("90"));
    }

    [Test]
    public void Variable_BridgeOfItsOwn_IsAddedUnderItsNumber()
    {
        ConfigurationOutcome outcome = LoadedText.Load(s_web, ("NsBridge__Bridges__10__Name", "new"), ("NsBridge__Bridges__10__Listen", "bad"));
        LoadedText.AssertOnlyFault(outcome, "NsBridge:Bridges:10:Listen", "(environment variable NsBridge__Bridges__10__Listen)");
    }

    [Test]
    public void Variable_AloneWithoutSectionInTheFile_IsEnough()
    {
        ConfigurationOutcome outcome = LoadedText.Load("{}", ("NsBridge__Bridges__0__Name", "new"), ("NsBridge__Bridges__0__Listen", "80"));
        Assert.That(outcome.Settings!.Bridges, Has.Count.EqualTo(1));
    }

    [TestCase("NsBridge__Bridgs__0__Name", "NsBridge:Bridgs", "did you mean Bridges?")]
    [TestCase("NsBridge__Bridges__0__Lisen", "NsBridge:Bridges:0:Lisen", "did you mean Listen?")]
    [TestCase("NsBridge__Bridges__web__Name", "NsBridge:Bridges", "'web' is no number")]
    [TestCase("NsBridge__Bridges", "NsBridge:Bridges", "no value of its own")]
    [TestCase("NsBridge__Bridges__0", "NsBridge:Bridges:0", "no value of its own")]
    [TestCase("NsBridge__Bridges__0__Name__0", "NsBridge:Bridges:0:Name", "nothing stands below")]
    [TestCase("NsBridge__Bridges__0__Listen__x", "NsBridge:Bridges:0:Listen", "'x' is no number")]
    [TestCase("NsBridge__", "NsBridge:", "no such key")]
    public void Variable_UnknownKey_IsAFaultThatNamesIt(string variable, string path, string piece)
    {
        ConfigurationOutcome outcome = LoadedText.Load(s_web, (variable, "1"));
        LoadedText.AssertOnlyFault(outcome, path, piece);
        Assert.That(outcome.Faults[0].Message, Does.Contain($"(environment variable {variable})"));
    }

    [Test]
    public void Variable_ValueAndListAtOnce_IsAFault()
    {
        ConfigurationOutcome outcome = LoadedText.Load(s_web, ("NsBridge__Bridges__0__Listen", "90"), ("NsBridge__Bridges__0__Listen__0", "91"));
        LoadedText.AssertOnlyFault(outcome, "NsBridge:Bridges:0:Listen", "both as one value and as a list");
    }

    [Test]
    public void Variable_OfTheFramework_IsPassedOn()
    {
        ConfigurationOutcome outcome = LoadedText.Load(s_web, ("Logging__LogLevel__Default", "Debug"), ("HOME", "/"), ("Foo__Bar", "x"));
        Assert.That(outcome.Settings!.Logging, Is.EqualTo(new[] { new LogSetting("Logging:LogLevel:Default", "Debug") }));
    }
}
