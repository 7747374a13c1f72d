using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using NsBridge.Base;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Fixtures;

namespace NsBridge.UnitTests.Configuration;

[TestFixture]
internal sealed class ConfigurationServicesTests
{
    [Test]
    public void AddNsBridgeConfiguration_RightFile_GivesSettingsAndOptions()
    {
        ConfigurationOutcome outcome = LoadedText.Bridges(""" "Name":"web", "Listen":["80","81"] """);
        using ServiceProvider services = new ServiceCollection().AddNsBridgeConfiguration(outcome).BuildServiceProvider();
        NsBridgeOptions options = services.GetRequiredService<IOptions<NsBridgeOptions>>().Value;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(services.GetRequiredService<DaemonSettings>(), Is.SameAs(outcome.Settings));
            Assert.That(options.Bridges[0].Listen, Is.EqualTo(new[] { "80", "81" }));
        }
    }

    [Test]
    public void Validator_EntryOfAListWrong_IsFound()
    {
        var options = new NsBridgeOptions { Bridges = [new BridgeOptions { Name = "ok" }, new BridgeOptions { Name = "not ok", Join = "x" }] };
        ValidateOptionsResult result = new NsBridgeOptionsValidator().Validate(null, options);
        Assert.That(result.Failures, Has.Exactly(2).Items);
    }

    [Test]
    public void AddNsBridgeConfiguration_WrongFile_Throws() =>
        Assert.Throws<UserErrorException>(() => new ServiceCollection().AddNsBridgeConfiguration(LoadedText.Bridges("")));
}
