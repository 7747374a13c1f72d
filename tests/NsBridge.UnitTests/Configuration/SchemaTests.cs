using System.Text.Json;
using System.Text.RegularExpressions;
using NsBridge.Configuration.Options;
using NsBridge.Fixtures;
using NsBridge.Testing;
using Validator = Json.Schema.JsonSchema;

namespace NsBridge.UnitTests.Configuration;

/// <summary>What an editor with the schema accepts and underlines, by a validator that is not ours.</summary>
internal sealed partial class SchemaTests
{
    private const string Web = """ "Name":"web", "Listen":"3003" """;
    private static readonly Validator s_schema = Validator.FromText(JsonSchema.Text(KeyTable.Default));
    private static readonly JsonDocumentOptions s_lenient =
        new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    [TestCaseSource(nameof(Examples))]
    public void Example_OfTheDocuments_IsAcceptedByTheSchemaAndTheLoader(string text)
    {
        Assert.That(IsAccepted(text), Is.True);
        // The group of an example need not exist here.
        Assert.That(LoadedText.Load(text).Faults.Where(fault => !fault.Path.EndsWith(":SocketGroup", StringComparison.Ordinal)), Is.Empty);
    }

    [TestCase("""{"NsBridge":[]}""")]
    [TestCase("""{"NsBridge":null}""")]
    [TestCase("""{"NsBrige":{}}""")]
    [TestCase("""{"NsBridge":{"Bridges":{}}}""")]
    [TestCase("""{"NsBridge":{"Bridges":["web"]}}""")]
    [TestCase("""{"NsBridge":{"Colour":"red"}}""")]
    [TestCase("""{"NsBridge":{"RuntimeDirectory":"run"}}""")]
    [TestCase("""{"NsBridge":{"ShutdownTimeout":"soon"}}""")]
    [TestCase("""{"NsBridge":{"EventLoops":65}}""")]
    [TestCase("""{"NsBridge":{"BusyPoll":"on"}}""")]
    [TestCase("""{"NsBridge":{"Metrics":"9464"}}""")]
    [TestCase("""{"NsBridge":{"Metrics":{"Port":9464}}}""")]
    public void File_Wrong_IsRefusedByTheSchemaAndTheLoader(string text) => CheckRefused(text);

    [TestCase(""" "Listen":"3003" """)]
    [TestCase(""" "Name":"bad name", "Listen":"3003" """)]
    [TestCase(""" "Name":null, "Listen":"3003" """)]
    [TestCase(""" "Name":"web", "Listen":[] """)]
    [TestCase(""" "Name":"web", "Listen":true """)]
    [TestCase(""" "Name":"web", "Listen":{} """)]
    [TestCase(Web + """, "Lisen":"3004" """)]
    [TestCase(Web + """, "Enabled":"perhaps" """)]
    [TestCase(Web + """, "Protocol":"sctp" """)]
    [TestCase(Web + """, "ListenNamespace":[] """)]
    [TestCase(Web + """, "Socket":"relative.sock" """)]
    [TestCase(Web + """, "SocketMode":"999" """)]
    [TestCase(Web + """, "Join":"glue" """)]
    [TestCase(Web + """, "ConnectTimeout":"5" """)]
    [TestCase(Web + """, "TargetWait":"-00:00:01" """)]
    [TestCase(Web + """, "IdleTimeout":"1 minute" """)]
    [TestCase(Web + """, "KeepAlive":"00:00:01.5" """)]
    [TestCase(Web + """, "MaxConnections":-1 """)]
    [TestCase(Web + """, "MaxConnectionsPerClient":1.5 """)]
    [TestCase(Web + """, "AllowFrom":[] """)]
    [TestCase(Web + """, "ProxyProtocol":"v3" """)]
    [TestCase(Web + """, "WhenNamespaceGoes":"cry" """)]
    public void Bridge_Wrong_IsRefusedByTheSchemaAndTheLoader(string bridge) => CheckRefused(LoadedText.Json(bridge));

    private static void CheckRefused(string text)
    {
        Assert.That(IsAccepted(text), Is.False);
        Assert.That(LoadedText.Load(text).Faults, Is.Not.Empty);
    }

    private static bool IsAccepted(string text)
    {
        using var document = JsonDocument.Parse(text, s_lenient);
        return s_schema.Evaluate(document.RootElement).IsValid;
    }

    /// <summary>Every configuration and every list of bridges in the documents, and the files.</summary>
    private static IEnumerable<TestCaseData> Examples()
    {
        foreach (string file in new[] { "appsettings.json", "deploy/config/appsettings.json" })
            yield return new TestCaseData(File.ReadAllText(Path.Combine(Repository.Root, file))).SetArgDisplayNames(file);
        string[] documents = ["README.md", .. Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md")];
        foreach (string document in documents)
        {
            string text = File.ReadAllText(Path.Combine(Repository.Root, document));
            foreach (Match block in Block().Matches(text))
            {
                string[] values = Values(block.Groups[1].Value);
                for (int i = 0; i < values.Length; i++)
                {
                    bool isWhole = values[i].Contains($"\"{KeyTable.Section}\"", StringComparison.Ordinal);
                    yield return new TestCaseData(isWhole ? values[i] : LoadedText.Json(values[i].Trim('{', '}')))
                        .SetArgDisplayNames($"{Path.GetFileName(document)}, {block.Index}, {i}");
                }
            }
        }
    }

    /// <summary>A block is one value, or has one on each line.</summary>
    private static string[] Values(string block)
    {
        string[] lines = block.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return lines.All(line => line.StartsWith("{ ", StringComparison.Ordinal)) ? [.. lines.Select(line => line.TrimEnd(','))] : [block];
    }

    [GeneratedRegex(@"^```json\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
