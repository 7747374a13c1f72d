using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NsBridge.Linux.Tests.Abi;

/// <summary>A structure of ours and the C structure it stands for.</summary>
/// <param name="Type">Ours.</param>
/// <param name="Size">Bytes of ours.</param>
/// <param name="CType">C's, such as <c>struct msghdr</c>.</param>
/// <param name="Offsets">Our fields' offsets by C's field names.</param>
internal sealed record StructLayout(Type Type, int Size, string CType, IReadOnlyDictionary<string, int> Offsets)
{
    /// <param name="cType">C's name.</param>
    /// <param name="fields">Our field's name and C's, for every field of ours.</param>
    internal static StructLayout Of<T>(string cType, params (string Ours, string C)[] fields)
        where T : unmanaged =>
        new(typeof(T), Unsafe.SizeOf<T>(), cType, fields.ToDictionary(field => field.C, field => (int)Marshal.OffsetOf<T>(field.Ours)));
}
