"""What a user chooses: params.yaml as typed values, and what a raw folder says of itself."""
