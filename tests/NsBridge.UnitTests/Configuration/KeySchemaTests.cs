using NsBridge.Configuration.Options;
using NsBridge.Configuration.Reading;

namespace NsBridge.UnitTests.Configuration;

/// <summary>The table of keys and the options that are bound from them must not drift apart.</summary>
[TestFixture]
internal sealed class KeySchemaTests
{
    [TestCase(typeof(NsBridgeOptions), "NsBridge")]
    [TestCase(typeof(MetricsOptions), "NsBridge", "Metrics")]
    [TestCase(typeof(BridgeOptions), "NsBridge", "Bridges")]
    public void Keys_OfEachSection_AreThePropertiesBoundFromIt(Type options, params string[] path)
    {
        KeySchema schema = path.Aggregate(KeySchema.Root, (at, key) => at.Keys[key]);
        Assert.That(schema.Keys.Keys, Is.EquivalentTo(options.GetProperties().Select(property => property.Name)));
    }

    [TestCase("Lisen", "Listen")]
    [TestCase("listne", "Listen")]
    [TestCase("Nmae", "Name")]
    [TestCase("TargetTimeout", null)]
    [TestCase("Bandwidth", null)]
    [TestCase("MaxConnection", "MaxConnections")]
    [TestCase("AllowedFrom", "AllowFrom")]
    [TestCase("ListenNameSpaces", "ListenNamespace")]
    public void Nearest_Typo_IsWhatWasMeant(string typo, string? meant) =>
        Assert.That(KeySchema.Root.Keys["NsBridge"].Keys["Bridges"].Nearest(typo), Is.EqualTo(meant));
}
