using Microsoft.Extensions.Options;

namespace NsBridge.Configuration.Options;

/// <summary>
/// Checks each value by its attributes. Generated from them at build time: the reflecting ValidateDataAnnotations()
/// lets wrong entries of a list pass under NativeAOT.
/// </summary>
[OptionsValidator]
internal sealed partial class NsBridgeOptionsValidator : IValidateOptions<NsBridgeOptions>;
