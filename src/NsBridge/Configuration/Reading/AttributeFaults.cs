using Microsoft.Extensions.Options;
using NsBridge.Configuration.Options;

namespace NsBridge.Configuration.Reading;

/// <summary>Turns what the generated validator says into faults with the operator's paths.</summary>
internal static class AttributeFaults
{
    public static IEnumerable<ConfigurationFault> Find(NsBridgeOptions options, BoundConfiguration written)
    {
        ValidateOptionsResult result = new NsBridgeOptionsValidator().Validate(NsBridgeOptions.SectionName, options);
        foreach (string failure in result.Failures ?? [])
        {
            // "NsBridge.Bridges[0].Name: message"; the attributes of the framework put "Property Name: " before it.
            int start = failure.IndexOf($"{NsBridgeOptions.SectionName}.", StringComparison.Ordinal);
            int end = failure.IndexOf(": ", start, StringComparison.Ordinal);
            string key = failure[start..end].Replace(".", ":", StringComparison.Ordinal)
                .Replace("[", ":", StringComparison.Ordinal)
                .Replace("]", "", StringComparison.Ordinal);
            if (written.HasValue(key) || !written.IsBroken(key))
                yield return written.Refuse(key, failure[(end + 2)..]);
        }
    }
}
