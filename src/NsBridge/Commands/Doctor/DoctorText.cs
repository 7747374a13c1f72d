using System.Text;
using NsBridge.Base;
using NsBridge.Commands.Status;

namespace NsBridge.Commands.Doctor;

/// <summary>The doctor's findings, as they are printed.</summary>
internal static class DoctorText
{
    private const int NameWidth = 13;
    private const string Indent = "          ";

    public static string Of(string bridge, IReadOnlyList<CheckResult> links)
    {
        StringBuilder text = new StringBuilder(bridge).Append('\n');
        foreach (CheckResult link in links)
        {
            text.Append(Mark(link.State)).Append("  ").Append(link.Name.PadRight(NameWidth)).Append("  ").Append(PlainText.Lines(link.Finding)).Append('\n');
            if (link.Cure is { } cure)
                text.Append(Indent).Append("cure".PadRight(NameWidth)).Append("  ").Append(PlainText.Lines(cure)).Append('\n');
        }

        CheckResult last = links[^1];
        text.Append(last.State switch
        {
            CheckState.Broken => $"{bridge} is broken at: {last.Name}",
            CheckState.Note when last.Name == "enabled" => $"{bridge} is switched off",
            _ => $"{bridge} is well",
        });
        return text.ToString();
    }

    public static string Mark(CheckState state)
    {
        (string? word, string? colour) = state switch
        {
            CheckState.Ok => ("  ok    ", "32"),
            CheckState.Note => ("  -     ", "2"),
            _ => ("  BROKEN", "31"),
        };
        return Screen.HasColours ? $"\e[{colour}m{word}\e[0m" : word;
    }
}
