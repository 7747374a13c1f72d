using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using NsBridge.Base;
using NsBridge.Commands.Inspection;
using NsBridge.Commands.Status;

namespace NsBridge.Commands.Doctor;

/// <summary>What <c>doctor --json</c> prints; nsbridge(8) documents it. With faults no bridge is checked.</summary>
internal sealed record DoctorDocument(string Configuration, IReadOnlyList<FaultEntry> Faults, IReadOnlyList<BridgeDiagnosis> Bridges);

/// <summary>The checks of one bridge, up to the first broken one, and what follows from them.</summary>
internal sealed record BridgeDiagnosis(string Name, IReadOnlyList<CheckResult> Checks)
{
    /// <summary><c>well</c>, <c>unknown</c> if this user could not check everything, <c>broken</c> or <c>disabled</c>.</summary>
    public string Result => Checks[^1] switch
    {
        { State: CheckState.Broken } => "broken",
        { Name: Doctor.Checks.Disabled } => "disabled",
        _ => Checks.Any(check => check.State == CheckState.Unknown) ? "unknown" : "well",
    };

    /// <summary>As text, one line a check and one for its cure.</summary>
    public override string ToString()
    {
        StringBuilder text = new StringBuilder(Name).Append('\n');
        foreach (CheckResult check in Checks)
        {
            DoctorReport.Append(text, DoctorReport.Mark(check.State), check.Name, check.Finding, Screen.Width);
            // Whole: it can be pasted.
            if (check.Cure is { } cure)
                DoctorReport.Append(text, DoctorReport.NoMark, "cure", cure, int.MaxValue);
        }
        IEnumerable<string> unknown = Checks.Where(check => check.State == CheckState.Unknown).Select(check => check.Name);
        return text.Append(Result switch
        {
            "broken" => $"{Name} is broken at: {Checks[^1].Name}",
            "disabled" => $"{Name} is switched off",
            "unknown" => $"{Name} could not be checked by this user: {Wording.List(unknown)}",
            _ => $"{Name} is well",
        }).ToString();
    }
}

[JsonSerializable(typeof(DoctorDocument))]
internal sealed partial class DoctorJson : JsonSerializerContext
{
    public static string Of(DoctorDocument document) =>
        JsonSerializer.Serialize(document, new DoctorJson(ReadableJson.Options()).DoctorDocument);
}

/// <summary>The lines of the doctor's text.</summary>
internal static class DoctorReport
{
    public const string NoMark = "        ";

    private const int NameWidth = 13;
    private const int WordsAt = 8 + 2 + NameWidth + 2;

    public static void Append(StringBuilder text, string mark, string name, string words, int width) => text.Append(mark).Append("  ")
        .Append(name.PadRight(NameWidth)).Append("  ").Append(Wording.Wrap(PlainText.Line(words), WordsAt, width)).Append('\n');

    public static string Mark(CheckState state)
    {
        (string word, string colour) = state switch
        {
            CheckState.Ok => ("  ok    ", "32"),
            CheckState.Note => ("  -     ", "2"),
            CheckState.Unknown => ("  ?     ", "33"),
            _ => ("  BROKEN", "31"),
        };
        return Screen.HasColours ? $"\e[{colour}m{word}\e[0m" : word;
    }
}
