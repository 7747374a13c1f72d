using System.Text;
using System.Text.Json;
using NsBridge.Base;
using NsBridge.Commands.Discover;

namespace NsBridge.UnitTests.Operations.Discover;

public class BridgeInsertionTests
{
    [Test]
    public void Insert_BehindEntries_KeepsCommentsOrderAndLayout()
    {
        const string File =
            """
            // mine
            { "NsBridge": {
                "Bridges": [
                    { "Name": "a" }, // first
                    { "Name": "b" } // second
                    // end
                ], "ShutdownTimeout": "00:00:01" } }
            """;

        Assert.That(Insert(File, "{ \"Name\": \"c\" }"), Is.EqualTo(
            File.Replace("{ \"Name\": \"b\" }", "{ \"Name\": \"b\" },\n        { \"Name\": \"c\" }", StringComparison.Ordinal)));
    }

    [TestCase("""{ "NsBridge": { "Bridges": [] } }""")]
    [TestCase("""{ "NsBridge": { "Bridges": [ { "Name": "z" } ] } }""")]
    [TestCase("""{ "NsBridge": { "Bridges": [ { "Name": "z" }, ] } }""")]
    [TestCase("""{ "nsbridge": { "BRIDGES": [ ] } }""")]
    [TestCase("""{ "NsBridge": { "RuntimeDirectory": "/run/x" } }""")]
    [TestCase("""{ "NsBridge": { } }""")]
    [TestCase("""{ "Logging": { "NsBridge": { "Bridges": [] } } }""")]
    [TestCase("{\n}\n")]
    [TestCase("\uFEFF{ }")]
    public void Insert_WhereverTheListIs_GivesOneThatHoldsTheNewEntries(string file)
    {
        string result = Insert(file, "{ \"Name\": \"c\" }", "{ \"Name\": \"d\" }");

        using var document = System.Text.Json.JsonDocument.Parse(result.TrimStart('\uFEFF'), new() { AllowTrailingCommas = true });
        JsonElement section = document.RootElement.EnumerateObject().Single(key => key.Name.Equals("NsBridge", StringComparison.OrdinalIgnoreCase)).Value;
        JsonElement bridges = section.EnumerateObject().Single(key => key.Name.Equals("Bridges", StringComparison.OrdinalIgnoreCase)).Value;
        Assert.That(bridges.EnumerateArray().Select(bridge => bridge.GetProperty("Name").GetString()).TakeLast(2), Is.EqualTo(["c", "d"]));
    }

    [TestCase("")]
    [TestCase("{ broken")]
    [TestCase("[]")]
    [TestCase("""{ "NsBridge": { "Bridges": "none" } }""")]
    public void Insert_IntoWhatIsNoConfiguration_IsRefused(string file) =>
        Assert.That(() => Insert(file, "{}"), Throws.TypeOf<UserErrorException>());

    private static string Insert(string file, params string[] entries) =>
        Encoding.UTF8.GetString(BridgeInsertion.Insert(Encoding.UTF8.GetBytes(file), entries));
}
