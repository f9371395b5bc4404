"""List the sources of the page and its sections, as (text, address)."""

# fmt: off
BOOK = {
    section: (f"Goodfellow, Bengio and Courville (2016), <i>Deep Learning</i>, section {section}",
              "https://www.deeplearningbook.org/contents/autoencoders.html")
    for section in ("14.1", "14.2.1", "14.5", "14.6", "14.7")
}
BALDI_HORNIK = ("Baldi and Hornik (1989), Neural networks and principal component analysis, Neural Networks 2",
                "https://doi.org/10.1016/0893-6080(89)90014-2")
BOURLARD_KAMP = ("Bourlard and Kamp (1988), Auto-association by multilayer perceptrons, Biological Cybernetics 59",
                 "https://doi.org/10.1007/BF00332918")
KUNIN = ("Kunin et al. (2019), Loss landscapes of regularized linear autoencoders", "https://arxiv.org/abs/1901.08168")
NG = ("Ng (2011), Sparse autoencoder, CS294A lecture notes",
      "https://web.stanford.edu/class/cs294a/sparseAutoencoder.pdf")
VINCENT = ("Vincent et al. (2010), Stacked denoising autoencoders, JMLR 11",
           "https://www.jmlr.org/papers/v11/vincent10a.html")
ALAIN_BENGIO = ("Alain and Bengio (2014), What regularized auto-encoders learn from the data-generating distribution, "
                "JMLR 15",
                "https://www.jmlr.org/papers/v15/alain14a.html")
RIFAI = ("Rifai et al. (2011), Contractive auto-encoders: explicit invariance during feature extraction, ICML",
         "https://icml.cc/2011/papers/455_icmlpaper.pdf")
RIFAI_TANGENT = ("Rifai et al. (2011), The manifold tangent classifier, NIPS",
                 "https://papers.nips.cc/paper/4409-the-manifold-tangent-classifier")
SIMARD = ("Simard et al. (1991), Tangent Prop, NIPS 4",
          "https://papers.nips.cc/paper/536-tangent-prop-a-formalism-for-specifying-selected-invariances-in-an-adaptive-network")
HINTON = ("Hinton and Salakhutdinov (2006), Reducing the dimensionality of data with neural networks, Science 313",
          "https://doi.org/10.1126/science.1127647")
MARTINS = ("Martins, Sturdza and Alonso (2003), The complex-step derivative approximation, ACM TOMS 29",
           "https://doi.org/10.1145/838250.838251")
MAKHZANI = ("Makhzani and Frey (2014), k-sparse autoencoders, ICLR", "https://arxiv.org/abs/1312.5663")
GAO = ("Gao et al. (2024), Scaling and evaluating sparse autoencoders", "https://arxiv.org/abs/2406.04093")
OLSHAUSEN = ("Olshausen and Field (1997), Sparse coding with an overcomplete basis set, Vision Research 37",
             "https://doi.org/10.1016/S0042-6989(97)00169-7")
BENGIO = ("Bengio et al. (2007), Greedy layer-wise training of deep networks, NIPS 19",
          "https://papers.nips.cc/paper/3048-greedy-layer-wise-training-of-deep-networks")
