"""Other ways to have the same farm: rented elsewhere, bought, on CPUs; priced alike."""
