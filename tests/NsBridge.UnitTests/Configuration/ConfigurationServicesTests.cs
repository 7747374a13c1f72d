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
        BridgeListOptions options = services.GetRequiredService<IOptions<BridgeListOptions>>().Value;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(services.GetRequiredService<DaemonSettings>(), Is.SameAs(outcome.Settings));
            Assert.That(options.Bridges[0].Values.Get(BridgeKeys.Listen).Select(entry => entry.Text), Is.EqualTo(new[] { "80", "81" }));
            Assert.That(services.GetRequiredService<IOptions<DaemonOptions>>().Value.RuntimeDirectory, Is.EqualTo("/run/nsbridge"));
        }
    }

    [Test]
    public void Validator_EntryOfAListWrong_IsFound()
    {
        KeyValues wrong = KeyValues.Of([(BridgeKeys.ConnectTimeout, TimeSpan.Zero)]);
        var options = new BridgeListOptions { Bridges = [new BridgeOptions { Name = "ok" }, new BridgeOptions { Values = wrong }] };
        ValidateOptionsResult result = new BridgeListValidator().Validate(null, options);
        Assert.That(result.Failures, Has.Exactly(2).Items);
    }

    [Test]
    public void DaemonOptions_DirectoryOfTheServiceManagerNotAbsolute_IsRefused()
    {
        ConfigurationOutcome outcome = LoadedText.Load(LoadedText.Json(), ("RUNTIME_DIRECTORY", "run:/x"));
        using ServiceProvider services = new ServiceCollection().AddNsBridgeConfiguration(outcome).BuildServiceProvider();
        OptionsValidationException? refusal = Assert.Throws<OptionsValidationException>(() => _ = services.GetRequiredService<IOptions<DaemonOptions>>().Value);
        UserErrorException fault = ConfigurationServices.Explain(refusal!);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(fault.ExitCode, Is.EqualTo(78));
            Assert.That(fault.Message, Is.EqualTo("NsBridge:RuntimeDirectory = \"run\": the path must be absolute, such as /run/nsbridge"));
        }
    }

    [Test]
    public void DaemonOptions_ValueBeyondTheLimitOfItsRow_IsRefused()
    {
        ConfigurationOutcome outcome = LoadedText.Load(LoadedText.Json());
        outcome = outcome with { Settings = outcome.Settings! with { EventLoops = 65 } };
        using ServiceProvider services = new ServiceCollection().AddNsBridgeConfiguration(outcome).BuildServiceProvider();
        Assert.That(
            () => services.GetRequiredService<IOptions<DaemonOptions>>().Value,
            Throws.TypeOf<OptionsValidationException>().With.Message.Contains("EventLoops: write a whole number from 0 to 64"));
    }

    [Test]
    public void AddNsBridgeConfiguration_WrongFile_Throws() =>
        Assert.Throws<UserErrorException>(() => new ServiceCollection().AddNsBridgeConfiguration(LoadedText.Bridges("")));
}
