using System.Text;

namespace NsBridge.Commands.Discover;

/// <summary>Drafts as a list that may stand behind <c>"Bridges":</c> as it is; comments are allowed there.</summary>
internal static class DraftText
{
    public static string Of(IReadOnlyList<BridgeDraft> drafts)
    {
        var text = new StringBuilder("[\n");
        for (int i = 0; i < drafts.Count; i++)
        {
            if (drafts[i].Note is { } note)
                text.Append("  // ").Append(note).Append('\n');
            text.Append("  ").Append(drafts[i].ToJson()).Append(i < drafts.Count - 1 ? ",\n" : "\n");
        }

        return text.Append(']').ToString();
    }
}
