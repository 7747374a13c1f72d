using System.Globalization;

namespace NsBridge.Configuration.Options;

internal sealed class WholeNumberAttribute(int least, int most) : WrittenAttribute
{
    public int Least => least;

    public int Most => most;

    protected override string? FaultOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"write a whole number from {least} to {most}");
}
