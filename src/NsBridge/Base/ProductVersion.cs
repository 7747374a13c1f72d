namespace NsBridge.Base;

internal static class ProductVersion
{
    /// <summary>The version of this build, three numbers.</summary>
    public static string Text => typeof(ProductVersion).Assembly.GetName().Version!.ToString(3);
}
