"""What customers say in the plays."""

FINE = "Berapa denda kalau telat bayar pajak kendaraan?"
LOST = "I lost my registration certificate. What do I need to get a new one?"
COMPLAINT = "Tolong buatkan tiket pengaduan, petugas loket 2 membentak saya."
UNKNOWN = "Kantor lagi buka lowongan pegawai nggak tahun ini?"
SPAM = (
    "SELAMAT!!! Nomor Anda memenangkan undian berhadiah Rp100 juta. "
    "Klaim sekarang di http://undian-hadiah.example.com/klaim sebelum jam 12 malam!"
)
