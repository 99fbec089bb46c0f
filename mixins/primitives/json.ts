/** What every store keeps and every transporter carries. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json | undefined }
